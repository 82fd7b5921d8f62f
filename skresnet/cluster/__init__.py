"""Pictures in many processes and on many machines, by Dask, which need not be there."""
