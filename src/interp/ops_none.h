/* SPDX-License-Identifier: Apache-2.0 */
/* No handlers: in place of those of a feature that the build leaves out. */
