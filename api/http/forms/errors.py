"""What a form can be refused with."""

from api.errors import InvalidRequest


class FormError(InvalidRequest):
    """The body is not a form this API takes; the message is a sentence without its full stop."""

    @property
    def reason(self) -> str:
        """Why."""
        return self.message
