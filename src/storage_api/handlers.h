// What each kind of call does. One function a kind, in NAME_calls.cc.
// **Thread**: the loop's. **Owner**: the store outlives the calls. **Limits**: call.h's.
#pragma once

#include "storage_api/call.h"

namespace thaw::storage_api {

using objects::ObjectStore;

/// GET, POST /b; `is_taken` of a name refuses it.
void buckets_call(ObjectStore& store, const CallPtr& call, IsTaken is_taken);
void bucket_call(ObjectStore& store, const CallPtr& call);       // GET, PATCH, PUT, DELETE /b/B
void bucket_part_call(ObjectStore& store, const CallPtr& call);  // /b/B/PART
void notification_call(ObjectStore& store, const CallPtr& call);
void list_call(ObjectStore& store, const CallPtr& call);    // GET /b/B/o
void object_call(ObjectStore& store, const CallPtr& call);  // GET, PATCH, PUT, DELETE /b/B/o/N
void compose_call(ObjectStore& store, const CallPtr& call);
void copy_call(ObjectStore& store, const CallPtr& call);
void restore_call(ObjectStore& store, const CallPtr& call);
/// The content of an object, for GET and HEAD with alt=media, /download and the XML paths.
void media_call(ObjectStore& store, const CallPtr& call);
/// Uploads in one request: uploadType=media and multipart, and PUT of the XML paths.
void media_upload_call(ObjectStore& store, const CallPtr& call);
void multipart_upload_call(ObjectStore& store, const CallPtr& call);
void xml_upload_call(ObjectStore& store, const CallPtr& call);
/// PUT of the XML paths with x-goog-copy-source or x-amz-copy-source.
void xml_copy_call(ObjectStore& store, const CallPtr& call);

/// Answers the error, after reading what the client sends anyway (at most 64 MiB).
void refuse_upload(const CallPtr& call, const Error& error);
void refuse_upload(const CallPtr& call, http::Response answer);
http::Response method_not_allowed(const Call& call, std::string_view allowed);

}  // namespace thaw::storage_api
