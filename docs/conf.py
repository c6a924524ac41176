"""How the documentation is built: `tox -e docs`. A page needs no line here; see docs/contributing.md."""

import logging
from importlib.metadata import version as get_version

project = "connect-login"
copyright = "the connect-login authors"
version = release = get_version("connect-login")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinxcontrib.mermaid",
]
# distributions of their own; pages show their files
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = f"{project} {version}"
html_show_sphinx = False

# docstrings put code into single backticks; what is the name of something documented becomes a link
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 100

# ```mermaid is drawn, as it is where the sources are read
myst_fence_as_directive = ["mermaid"]
myst_enable_extensions = ["colon_fence", "deflist", "html_image"]
myst_heading_anchors = 3

# a section lists what is in its folder, be that nothing; Sphinx gives this warning no name for suppress_warnings
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", None) != "empty_glob"
)
