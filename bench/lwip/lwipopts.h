/* SPDX-License-Identifier: MIT */
/*
 * lwIP as fast as its own options make it: no threads, no debugging and no statistics, static pools, its quickest checksum, summing
 * while copying, scaled windows. BENCH_WINDOW comes from the build; BENCH_BIG is for more connections than a pool holds, BENCH_JUMBO
 * for segments of 64 KiB.
 */
#ifndef LA_BENCH_LWIPOPTS_H
#define LA_BENCH_LWIPOPTS_H

#ifndef BENCH_WINDOW
#define BENCH_WINDOW 65535
#endif

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_TCP 1
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#define LWIP_SINGLE_NETIF 0

#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1 /* quicker than its own heap */
#ifdef BENCH_BIG
#define MEMP_MEM_MALLOC 1 /* its pools hold 65535 records at most */
#else
#define MEMP_MEM_MALLOC 0
#endif
#define MEMP_NUM_TCP_PCB 60000
#define MEMP_NUM_TCP_PCB_LISTEN 4
#define MEMP_NUM_TCP_SEG 16384
#ifdef BENCH_JUMBO
#define TCP_MSS 64240 /* as long as our descriptors: it has no others for its device */
#define PBUF_POOL_SIZE 64
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1 /* they are about its sockets */
#else
#define TCP_MSS 1460
#define PBUF_POOL_SIZE 4096
#endif
#define PBUF_POOL_BUFSIZE (TCP_MSS + 76)

#define LWIP_WND_SCALE 1
#if BENCH_WINDOW > 65535
#define TCP_RCV_SCALE 6
#else
#define TCP_RCV_SCALE 0
#endif
#define TCP_WND BENCH_WINDOW
#define TCP_SND_BUF (2 * BENCH_WINDOW)
#define TCP_SND_QUEUELEN (4 * (TCP_SND_BUF) / (TCP_MSS) + 16)
#define TCP_SNDLOWAT 32768 /* of sockets: not used */
#define TCP_SNDQUEUELOWAT (TCP_SND_QUEUELEN / 2)
#define TCP_OVERSIZE TCP_MSS
#define MEMP_NUM_PBUF 16384 /* what is sent by reference */
#define TCP_QUEUE_OOSEQ 1
#define TCP_LISTEN_BACKLOG 0
#define LWIP_TCP_TIMESTAMPS 0

#define LWIP_CHKSUM_ALGORITHM 3
#define LWIP_CHECKSUM_ON_COPY 1
#define CHECKSUM_GEN_IP 1
#define CHECKSUM_GEN_TCP 1
#define CHECKSUM_CHECK_IP 1
#define CHECKSUM_CHECK_TCP 1

#endif
