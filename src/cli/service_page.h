// The page of `thaw services describe`: what is known of one service, for people.
//
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/text.h"
#include "cli/waterfall.h"
#include "spec/service.h"

namespace thaw::cli {

/// What the API says about a service; parts that it could not give are null or empty.
struct ServiceFacts {
  spec::Service service;
  Json instances;            // array
  Json starts;               // array
  Json usage;                // object
  Json prices;               // array, one a revision
  std::vector<Json> events;  // log lines of the platform itself, oldest first
};

struct PageFormat {
  size_t width = 80;
  Style style{Style::Colour::kOff};
  WallTime now{};
};

std::string service_page(const ServiceFacts& facts, const PageFormat& format);

/// The lines "Image", "Command", ... of what a revision runs and may use.
std::string settings_lines(const spec::RevisionTemplate& revision, const PageFormat& format);

/// "Label      text", further lines of the text indented under it; text of a service is escaped
/// by the caller.
std::string labelled(std::string_view label, std::string_view text, const PageFormat& format);

/// "yes", or "no: REASON" with the message in full on lines of its own.
std::string condition_text(const spec::Condition* condition, const Style& style);

/// A line for each revision or tag that is reachable.
std::string traffic_text(const spec::ServiceStatus& status);

/// As one word of a shell's, whatever it holds.
std::string shell_word(std::string_view word);
/// Words as a shell would take them.
std::string shell_words(const std::vector<std::string>& words);

/// "0.81 vCPU-s, 0.2 GiB-s, 12 requests, $0.000031".
std::string usage_text(const Json& usage);

/// A line for each rung of the ladder that a revision was on, from the API's "rungs".
std::string rungs_text(const Json& rungs);

/// "12 s ago" for an RFC 3339 time; the text itself when it is none.
std::string age_of(std::string_view rfc3339, WallTime now);

}  // namespace thaw::cli
