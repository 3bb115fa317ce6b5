"""The figure in the page, and the page as a file: JavaScript, style and HTML; no science."""
