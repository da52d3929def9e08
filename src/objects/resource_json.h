// Resources as the JSON API shows them. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
// Source: Cloud Storage JSON API, resource representations.
#pragma once

#include <string>

#include "base/json.h"
#include "objects/types.h"

namespace thaw::objects {

/// `base_url`: scheme, host and port, without a slash at the end.
Json object_json(const Object& object, const std::string& base_url);
Json bucket_json(const Bucket& bucket, const std::string& base_url);
/// An entity tag without quotes.
std::string etag(int64_t generation, int64_t metageneration);
/// Of a project's name: stable, and never 0.
int64_t project_number(std::string_view project);

}  // namespace thaw::objects
