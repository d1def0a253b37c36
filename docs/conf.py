"""Settings of the documentation site; ``make docs`` builds it, and every warning is an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# The sources beside the pages, whatever version is installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from duramen import __version__

project = "duramen"
release = version = __version__
author = "the duramen authors"
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "generated_reference",
]
exclude_patterns = ["_build", "_ext"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = [
    # The included results and changelog begin with the headings of their own files.
    "myst.header",
]

autodoc_typehints = "none"  # the docstrings state types in words
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"duramen {__version__}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
copybutton_exclude = ".linenos, .gp, .go"
