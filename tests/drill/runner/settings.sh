#!/bin/sh
# SPDX-License-Identifier: MIT
# Read by commands.pkt, never executed.
sysctl -q net.ipv4.tcp_rmem="4096 $((16 * 1024)) $((15*1024*1024))" # least, default, most
sysctl -w net.ipv4.tcp_timestamps=1 net.ipv4.tcp_sack=0 > /dev/null 2>&1
echo 0 > /proc/sys/net/ipv4/tcp_timestamps
