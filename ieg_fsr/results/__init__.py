"""From files of runs to tables and figures: runs -> groups of seeds -> tables -> Markdown, CSV, PNG; no TensorFlow."""
