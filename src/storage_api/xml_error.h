// Errors as the XML API writes them: what paths of the form /BUCKET/OBJECT and signed URLs answer.
// **Thread**: any. **Owner**: values. **Limits**: none.
// Source: Cloud Storage's XML API, "HTTP status and error codes".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace thaw::storage_api {

struct XmlError {
  int status = 400;
  std::string code;                                                // "NoSuchKey"
  std::string message;                                             // the general one of the code
  std::vector<std::pair<std::string, std::string>> elements = {};  // "Details" and others
};

/// How messages of an upload of the wrong size begin, by which its code is known.
inline constexpr std::string_view kTooSmall = "Your proposed upload is smaller than";
inline constexpr std::string_view kTooLarge = "Your proposed upload is larger than";

/// The code that fits `error`, whose text becomes the Details.
XmlError xml_error_of(const Error& error);
/// Control characters, which XML cannot have, become spaces.
http::Response xml_reply(const XmlError& error);

}  // namespace thaw::storage_api
