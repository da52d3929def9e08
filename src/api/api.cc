#include "api/api.h"

#include <fmt/format.h>

#include "api/guard.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/run_v1.h"
#include "api/thaw_v1.h"

namespace thaw::api {
namespace {

constexpr ByteCount kLargestBody = mib(4);

Json routes_json(const std::vector<Route>& routes) {
  Json all = Json::array();
  for (const Route& route : routes) {
    all.push_back(Json::object(
        {{"method", route.method}, {"path", route.pattern}, {"what", route.help}}));
  }
  return Json::object({{"routes", std::move(all)}});
}

}  // namespace

class Api::Impl {
 public:
  Impl(io::Net& net, io::Loop& loop, const Rooms& rooms, ApiOptions options)
      : rooms_(rooms),
        options_(std::move(options)),
        followers_(rooms_.logs),
        router_(all_routes(loop)),
        server_(net, loop, {.max_body = kLargestBody},
                [this](http::Request request, http::Responder responder) {
                  handle(std::move(request), std::move(responder));
                }) {}

  Result<io::SocketAddress> listen(const io::SocketAddress& address) {
    return server_.listen(address);
  }
  void drain(std::function<void()> done) {
    followers_.end_all();
    server_.drain(std::move(done));
  }

 private:
  std::vector<Route> all_routes(const io::Clock& clock) {
    std::vector<Route> routes = run_v1_routes(rooms_.control);
    for (Route& route : thaw_v1_routes(clock, rooms_, options_, followers_)) {
      routes.push_back(std::move(route));
    }
    routes.push_back({"GET", "/thaw/v1/routes", {}, "this table",
                      [this](const Call&, http::Responder responder) {
                        responder.answer(json_reply(routes_json(router_.routes())));
                      }});
    return routes;
  }

  void handle(http::Request request, http::Responder responder) {
    if (const Status status = admit(request); !status) {
      responder.answer(error_reply(status.error()));
      return;
    }
    router_.dispatch(std::move(request), std::move(responder));
  }

  Rooms rooms_;
  ApiOptions options_;
  Followers followers_;
  Router router_;
  http::Server server_;
};

Api::Api(io::Net& net, io::Loop& loop, Rooms rooms, ApiOptions options)
    : impl_(std::make_unique<Impl>(net, loop, rooms, std::move(options))) {}
Api::~Api() = default;

Result<io::SocketAddress> Api::listen(const io::SocketAddress& address) {
  return impl_->listen(address);
}

void Api::drain(std::function<void()> done) { impl_->drain(std::move(done)); }

}  // namespace thaw::api
