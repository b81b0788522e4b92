/* SPDX-License-Identifier: MIT */
/* The scenarios, by theme. Each is described in scen_table.c. */
#ifndef LA_SIM_SCENS_H
#define LA_SIM_SCENS_H

#include "sim/duo.h"

/* scen_open.c */
void la__scen_open(struct sim *s);
void la__scen_simultaneous_open(struct sim *s);
void la__scen_refused(struct sim *s);
void la__scen_syn_timeout(struct sim *s);
/* scen_release.c */
void la__scen_release_four(struct sim *s);
void la__scen_release_three(struct sim *s);
void la__scen_release_by_server(struct sim *s);
void la__scen_half_close(struct sim *s);
void la__scen_simultaneous_close(struct sim *s);
/* scen_fin.c */
void la__scen_fin_needs_ack(struct sim *s);
void la__scen_lost_fin(struct sim *s);
void la__scen_lost_final_ack(struct sim *s);
void la__scen_final_ack_never(struct sim *s);
void la__scen_fin_wait_2_held(struct sim *s);
void la__scen_fin_wait_2_orphan(struct sim *s);
/* scen_timewait.c */
void la__scen_without_time_wait(struct sim *s);
void la__scen_time_wait_2msl(struct sim *s);
void la__scen_address_in_use(struct sim *s);
/* scen_reuse.c */
void la__scen_old_duplicate(struct sim *s);
void la__scen_time_wait_new_syn(struct sim *s);
void la__scen_quiet_time(struct sim *s);
/* scen_reset.c */
void la__scen_abort(struct sim *s);
void la__scen_close_unread(struct sim *s);
void la__scen_data_after_close(struct sim *s);
void la__scen_half_open_reboot(struct sim *s);
/* scen_silence.c */
void la__scen_idle_for_days(struct sim *s);
void la__scen_keepalive_alive(struct sim *s);
void la__scen_keepalive_crashed(struct sim *s);
void la__scen_keepalive_rebooted(struct sim *s);
void la__scen_keepalive_unreachable(struct sim *s);
void la__scen_retransmit_timeout(struct sim *s);
/* scen_icmp.c */
void la__scen_icmp_from_router(struct sim *s);
void la__scen_icmp_from_host(struct sim *s);
/* scen_loss.c */
void la__scen_losses(struct sim *s);
void la__scen_tail_probe(struct sim *s);
/* scen_udp.c */
void la__scen_udp_unreachable(struct sim *s);
/* scen_stop.c */
void la__scen_ctrl_c(struct sim *s);
/* scen_congestion.c */
void la__scen_long_fat_path(struct sim *s);
void la__scen_ecn(struct sim *s);
void la__scen_hystart(struct sim *s);
/* scen_pmtu.c */
void la__scen_pmtu_icmp(struct sim *s);
void la__scen_pmtu_blackhole(struct sim *s);
void la__scen_pmtu_probe(struct sim *s);
/* scen_time.c */
void la__scen_paws(struct sim *s);
void la__scen_spurious_timeout(struct sim *s);
void la__scen_limited_transmit(struct sim *s);
/* scen_window.c */
void la__scen_silly_window(struct sim *s);
void la__scen_zero_window(struct sim *s);
void la__scen_window_shrinks(struct sim *s);
void la__scen_buffer_tuning(struct sim *s);
/* scen_sending.c */
void la__scen_initial_window(struct sim *s);
void la__scen_idle_restart(struct sim *s);
void la__scen_window_validation(struct sim *s);
void la__scen_byte_counting(struct sim *s);
void la__scen_pacing(struct sim *s);
void la__scen_quick_ack(struct sim *s);
void la__scen_nagle_and_cork(struct sim *s);
void la__scen_dscp_ttl_urgent(struct sim *s);
/* scen_backlog.c */
void la__scen_offload(struct sim *s);
void la__scen_backlog(struct sim *s);

#endif
