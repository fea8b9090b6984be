"""Reading the figure as people see it, its frozen years and its exceptions."""
