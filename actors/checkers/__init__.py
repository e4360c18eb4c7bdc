"""The methods, one file each, in the folder of the pool that runs them."""
