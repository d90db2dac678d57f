/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components that a manifest names by URL and digest. They are downloaded once, through the plug-in
 * libstint-http.so, and kept by their digests in "downloads" of the cache folder, where only this user may
 * write; after that no network is needed.
 */
#ifndef APP_SOURCE_FETCH_H
#define APP_SOURCE_FETCH_H

#include "app/app.h"
#include "base/status.h"

enum { SOURCE_FETCH_BYTES_MAX = 256 << 20, SOURCE_FETCH_REDIRECTS_MAX = 5 };

/*
 * The file of a source, in `arena`: of an APP_SOURCE_FILE its path; of an APP_SOURCE_URL what is kept, or
 * else is downloaded now. Its bytes have the digest of the manifest, of a kept file as well. On a terminal it
 * shows how far it is. STINT_UNSUPPORTED: a registry; STINT_INVALID: another digest, which tells both.
 */
MUST_CHECK enum stint_status source_fetch(struct arena *arena, const struct app_source *source,
                                          const char **ret_path, struct stint_error *error);

#endif
