"""JavaScript, as tree-sitter knows it: https://github.com/tree-sitter/tree-sitter-javascript has the names of nodes."""

import tree_sitter_javascript
from tree_sitter import Language

JAVASCRIPT = Language(tree_sitter_javascript.language())
