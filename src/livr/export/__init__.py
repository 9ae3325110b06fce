"""From a run to an ordinary checkpoint that any server loads, verified before it is written."""
