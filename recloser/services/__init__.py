"""Services of a target while it is tested: started, adopted, watched, restarted, stopped."""
