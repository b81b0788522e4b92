/* SPDX-License-Identifier: MIT */
#include "link/vnet.h"

#include <lastack/trace.h>

enum { GSO_UDP_L4 = 5, UDP_SUM_AT = 6 }; /* the first is newer than some systems' headers */

bool la__vnet_read(la_frame *f, const struct virtio_net_hdr *h) {
  unsigned type = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
  f->flags = 0;
  if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
    f->flags = LA_FRAME_SUM_PARTIAL;
  else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
    f->flags = LA_FRAME_SUM_OK;
  if (type == VIRTIO_NET_HDR_GSO_NONE)
    return true;
  f->flags |= LA_FRAME_GSO;
  f->gso_size = h->gso_size;
  return type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6 || type == GSO_UDP_L4;
}

void la__vnet_write(const la_frame *f, struct virtio_net_hdr *h) {
  *h = (struct virtio_net_hdr){0};
  if (f->flags & LA_FRAME_SUM_PARTIAL) {
    h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h->csum_start = f->sum_start;
    h->csum_offset = f->sum_at;
  }
  if (f->flags & LA_FRAME_GSO) {
    h->gso_type = f->data[f->header] >> 4 == 6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
    if (f->sum_at == UDP_SUM_AT)
      h->gso_type = GSO_UDP_L4;
    else if (f->data[f->sum_start + 13] & LA_CWR)
      h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    h->gso_size = f->gso_size;
    h->hdr_len = (uint16_t)f->len;
  }
}
