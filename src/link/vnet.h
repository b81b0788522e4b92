/* SPDX-License-Identifier: MIT */
/* struct virtio_net_hdr, which TUN, TAP and packet sockets put before each packet: what is left to do about it, both ways. */
#ifndef LA_LINK_VNET_H
#define LA_LINK_VNET_H

#include <lastack/link.h>

#include <linux/virtio_net.h>

/* What the kernel says of a packet. false: nothing that the stack takes. */
bool la__vnet_read(la_frame *f, const struct virtio_net_hdr *h);
/* What we say of a frame of the stack's. */
void la__vnet_write(const la_frame *f, struct virtio_net_hdr *h);

#endif
