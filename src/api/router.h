// Router: finds the handler for a method and path, and refuses what no route names. Pure.
//
// **Thread**: any. **Owner**: values; handlers may refer to the rooms they serve. **Limits**: none.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/server.h"

namespace thaw::api {

struct Call {
  http::Request request;
  std::map<std::string, std::string, std::less<>> path;  // values of {name} parts, decoded

  /// The query's value, or "".
  std::string_view query(std::string_view name) const;
};

struct Route {
  std::string method;
  std::string pattern;             // "/thaw/v1/services/{service}/logs"
  std::vector<std::string> query;  // what may stand in the query, besides Google's own common names
  std::string help;                // for docs/reference/api.md
  std::function<void(Call, http::Responder)> handle;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes);

  /// Answers 404 for an unknown path, 405 for a known one with another method, 400 for a query that
  /// the route does not know; else calls the handler.
  void dispatch(http::Request request, http::Responder responder) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> parts_;  // of each route's pattern
};

}  // namespace thaw::api
