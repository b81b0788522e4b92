/* SPDX-License-Identifier: MIT */
/* The packets of a scenario's runs as pcapng files, as they left, those included that were lost later. */
#ifndef LA_SIM_RECORD_H
#define LA_SIM_RECORD_H

#include "sim/claim.h"

/* PREFIX-1.pcapng, PREFIX-2.pcapng, … one for each run. false: `err` says why. */
bool la__record_sim(const struct sim *s, const char *prefix, char *err, size_t cap);

#endif
