/* SPDX-License-Identifier: MIT */
/* The classes: name, and the words of its row in docs/decisions.md. */
CLASS(NONE, "none")
