"""What enforcement is worth and what it costs: organisations played with a broker that asks before every mint."""
