"""The engine and its images, as the compose tests have them."""

from tests.compose.engine import images

__all__ = ["images"]
