"""The pipeline's own bar on the console, drawn by what the device has finished."""
