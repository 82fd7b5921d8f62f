"""A fitted model behind HTTP: a page for people, an interface for programs.

`make_app` makes an ASGI application of a model, which any ASGI server can run;
`skresnet serve` runs it with uvicorn.
"""

from skresnet.server.app import make_app
from skresnet.server.uploads import Limits

__all__ = ["Limits", "make_app"]
