// StorageApi: the Cloud Storage JSON API, its uploads, downloads and batches, and the XML paths
// that clients use, on an object store.
//
// Wire formats only; what they mean is objects'. Anonymous: any credentials or none are taken; but
// a URL that is signed is held to its signature. Paths and fields: docs/reference/storage.md.
// **Thread**: the loop's. **Owner**: store and signatories outlive it.
// **Limits**: JSON bodies 1 MiB, batches 10 MiB and 100 calls; objects as the disk has room.
#pragma once

#include <memory>

#include "http/server.h"
#include "objects/object_store.h"
#include "storage_api/signed_url.h"
#include "storage_api/target.h"

namespace thaw::storage_api {

class StorageApi {
 public:
  StorageApi(objects::ObjectStore& store, Signatories& signatories, IsTaken is_taken);
  ~StorageApi();

  /// Whether the request's path is one of these APIs'.
  bool takes(const http::Request& head) const;
  /// kOther: a browser says that another site's page sends it; answered only where the bucket's
  /// CORS rules allow it.
  enum class Origin { kOwn, kOther };
  void handle(http::Request request, http::BodyStream body, http::Responder responder,
              Origin origin);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace thaw::storage_api
