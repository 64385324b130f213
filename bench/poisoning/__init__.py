"""How long a patient thief needs to make the forbidden ordinary, and how long an honest change takes to be believed."""
