# SPDX-License-Identifier: MIT
# What docs/explain.md promises of each object of `lastack explain --json`: jq -e -s -f schema.jq is true when all are so.
def whole: type == "number" and . == floor and . >= 0;
def maybe(t): . == null or t;
def time: type == "string" and test("^[0-9]+[.][0-9]{9}$");
def span: type == "number" and . >= 0;
def among($names): . as $x | $names | index($x) != null;
def place: type == "string" and test("^([0-9.]+|[[][0-9a-f:.]+[]]):[0-9]+$");
def reasons: ["open", "close", "closing", "opening", "refused", "syn-unanswered", "syn-filtered", "syn-ack-unanswered", "syn-ack-refused", "not-accepted", "abort",
  "unread-data", "data-after-close", "half-open", "restart", "keepalive", "retransmission-limit", "last-ack", "rst-injected", "idle-cut",
  "close-wait-leak", "fin-wait-2-left", "port-reuse", "icmp", "other"];
def states: ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
  "TIME-WAIT"];
def one_end:
  (keys == (["packets", "bytes", "syn_frame", "fin_frame", "rst_frame", "syn_retransmissions", "fin_retransmissions", "resets", "retransmissions",
    "duplicate_frames", "damaged_frames", "missed_bytes", "bytes_after_peer_close", "keepalive_probes", "keepalive_answered",
    "keepalive_interval_ms", "zero_windows", "zero_window_ms", "ttl", "state"] | sort))
  and ([.packets, .bytes, .syn_retransmissions, .fin_retransmissions, .resets, .retransmissions, .duplicate_frames, .damaged_frames, .missed_bytes,
    .bytes_after_peer_close, .keepalive_probes, .keepalive_answered, .zero_windows, .ttl] | all(whole))
  and ([.syn_frame, .fin_frame, .rst_frame] | all(maybe(whole)))
  and (.keepalive_interval_ms | maybe(span)) and (.zero_window_ms | span) and (.state | among(states));
def connection:
  (keys == (["id", "client", "server", "first_frame", "last_frame", "start", "end", "closed_first", "close_kind", "reason", "certainty", "candidates",
    "rst_reason", "by", "finding", "reset_by", "reset_frame", "resets_out_of_line", "half_closed_ms", "half_closed_bytes", "lost_bytes", "icmp",
    "capture", "handshake_rtt_ms", "time_wait", "time_wait_until", "time_wait_port_seconds", "reused_by", "reuses", "same_as", "zeek_state",
    "zeek_history", "zeek_orig", "completeness", "client_end", "server_end", "states", "text"] | sort))
  and ([.id, .first_frame, .last_frame, .resets_out_of_line, .half_closed_bytes, .lost_bytes, .completeness] | all(whole))
  and ([.reset_frame, .reused_by, .reuses, .same_as] | all(maybe(whole)))
  and ([.client, .server] | all(place)) and ([.start, .end] | all(time)) and (.time_wait_until | maybe(time))
  and (.closed_first | among(["client", "server", "both", "none"]))
  and (.close_kind | among(["four-segment", "three-segment", "simultaneous", "reset", "half-closed", "none"]))
  and (.reason | among(reasons)) and (.certainty | among(["observed", "inferred", "ambiguous"]))
  and (.candidates | length > 0 and all(among(reasons))) and .candidates[0] == .reason
  and ((.candidates | length > 1) == (.certainty == "ambiguous"))
  and (.rst_reason | maybe(type == "string")) and ([.by, .reset_by] | all(maybe(among(["client", "server"]))))
  and (.finding | type == "boolean") and ([.half_closed_ms, .time_wait_port_seconds] | all(span)) and (.handshake_rtt_ms | maybe(span))
  and (.icmp | maybe(keys == ["code", "frame", "type"] and all(whole)))
  and (.capture | all(among(["midstream", "one-sided", "truncated", "missed", "nat", "duplicates", "offload", "damaged", "vlan", "fragments", "gro", "tail-missing"])))
  and (.time_wait | among(["client", "server", "both", "none"]))
  and (.zeek_state | among(["S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"]))
  and (.zeek_history | type == "string" and test("^[\\^A-Za-z]*$")) and (.zeek_orig | among(["client", "server"]))
  and .completeness < 64 and ([.client_end, .server_end] | all(one_end))
  and (.states | all(keys == ["at", "end", "frame", "state"] and (.at | time) and (.end | among(["client", "server"])) and (.frame | whole) and (.state | among(states))))
  and (.text | type == "string" and startswith("C"));
length > 0 and all(if connection then true else error("not as documented: \(.)") end)
