SELECT applied FROM order_summary WHERE key = $1
