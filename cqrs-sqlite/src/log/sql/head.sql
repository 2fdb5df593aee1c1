SELECT ifnull(max(position), 0) FROM events
