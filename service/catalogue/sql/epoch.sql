-- epoch: the bulk load that the catalogue is of.
-- One row (epoch).
SELECT epoch FROM current_epoch
