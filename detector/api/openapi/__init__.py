"""The OpenAPI document: `document` puts together what each room says of its routes."""

from detector.api.openapi.document import VERSION, document, methods

__all__ = ["VERSION", "document", "methods"]
