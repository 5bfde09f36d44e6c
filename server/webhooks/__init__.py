"""Webhooks: other systems are called when something happens, as durably as it happened.

The commit that appends an event queues its deliveries in the same atomic step (`server/lua/commit.lua`); a worker's
`deliverer` takes those that are due, and its `sender` makes the calls. Everything else here is rules, without I/O.
"""
