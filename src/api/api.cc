#include "api/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/domains_v1.h"
#include "api/guard.h"
#include "api/identity_v1.h"
#include "api/jobs_v1.h"
#include "api/jobs_v2.h"
#include "api/pipelines_v1.h"
#include "api/projects.h"
#include "api/pubsub_v1.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/run_v1.h"
#include "api/service_accounts_v1.h"
#include "api/sources_v1.h"
#include "api/thaw_v1.h"
#include "api/token_v1.h"
#include "pubsub_api/grpc.h"
#include "rpc/router.h"

namespace thaw::api {
namespace {

constexpr ByteCount kLargestBody = mib(16);  // a publish of 10 MB, as base64

Json routes_json(const std::vector<Route>& routes) {
  Json all = Json::array();
  for (const Route& route : routes) {
    all.push_back(
        Json::object({{"method", route.method}, {"path", route.pattern}, {"what", route.help}}));
  }
  return Json::object({{"routes", std::move(all)}});
}

void append(std::vector<Route>& to, std::vector<Route> routes) {
  std::move(routes.begin(), routes.end(), std::back_inserter(to));
}

std::string reference_page(const std::vector<Route>& routes) {
  std::string page =
      "# The API\n\n"
      "What `thaw up` answers on its API port (8081 unless told otherwise), over HTTP with JSON\n"
      "bodies of at most 16 MiB. `GET /thaw/v1/routes` answers this table, which is made from the\n"
      "code; a test holds the two together.\n\n"
      "Nobody is asked for a password, so only programs on the same machine should reach the\n"
      "port. Requests are refused (403) when their host is no IP address, `localhost`,\n"
      "`*.localhost` or `*.local`, and when a browser says that another site's page sends them\n"
      "(`Origin`, `Sec-Fetch-Site`). Errors are Google's:\n"
      "`{\"error\": {\"code\", \"status\", \"message\", \"details\"}}`, with the faulty fields of "
      "a service\n"
      "in `details[].fieldViolations`. An unknown query parameter is an error (400); the common\n"
      "ones of Google's APIs (`alt`, `prettyPrint`, `fields`, `key`, ...) are taken and have no\n"
      "effect.\n\n"
      "There is one set of services: `{namespace}`, or `{project}` and `{location}`, may be any\n"
      "words, and answers repeat them.\n\n"
      "| method | path | query | what |\n|---|---|---|---|\n";
  for (const Route& route : routes) {
    std::string query;
    for (const std::string& name : route.query) {
      query += fmt::format("{}`{}`", query.empty() ? "" : ", ", name);
    }
    page +=
        fmt::format("| {} | `{}` | {} | {} |\n", route.method, route.pattern, query, route.help);
  }
  return page;
}

}  // namespace

bool is_reserved_path(std::string_view part) {
  constexpr std::string_view kParts[] = {"apis",   "thaw",        "v1",
                                         "v2",     "projects",    "computeMetadata",
                                         "oauth2", ".well-known", "metrics"};
  return std::find(std::begin(kParts), std::end(kParts), part) != std::end(kParts);
}

class Api::Impl {
 public:
  Impl(io::Net& net, io::Loop& loop, const Rooms& rooms, ApiOptions options)
      : rooms_(rooms),
        options_(std::move(options)),
        followers_(rooms_.logs),
        pubsub_(rooms_.bus),
        rpc_(loop, {.max_message = kLargestBody}),
        pubsub_over_grpc_(pubsub_, loop, rpc_),
        router_(all_routes(loop)),
        server_(net, loop, {.max_body = kLargestBody, .max_connections = options_.max_connections},
                [this](http::Request request, http::Responder responder) {
                  handle(std::move(request), std::move(responder));
                }) {
    rpc_.bound(server_.bodies());
    server_.stream_bodies(
        [this](const http::Request& head) {
          return rpc_.takes(head) || (rooms_.storage != nullptr && rooms_.storage->takes(head));
        },
        [this](http::Request head, http::BodyStream body, http::Responder responder) {
          if (rpc_.takes(head)) {
            handle_grpc(std::move(head), std::move(body), std::move(responder));
          } else {
            handle_storage(std::move(head), std::move(body), std::move(responder));
          }
        });
  }

  Result<io::SocketAddress> listen(const io::SocketAddress& address) {
    return server_.listen(address);
  }
  Result<io::SocketAddress> listen(io::Net& net, const io::SocketAddress& address) {
    return server_.listen(net, address);
  }
  void hand_on_tunnels(uint16_t port, http::Server::TunnelHandler handler) {
    server_.hand_on_tunnels(
        [port](std::string_view authority) {
          http::Request request;
          request.host = authority;
          return authority.ends_with(fmt::format(":{}", port)) && admit_host(request).has_value();
        },
        std::move(handler));
  }
  void drain(std::function<void()> done) {
    followers_.end_all();
    server_.drain(std::move(done));
  }
  std::string reference() const { return reference_page(router_.routes()); }

 private:
  std::vector<Route> all_routes(const io::Clock& clock) {
    std::vector<Route> routes = run_v1_routes(rooms_.control, rooms_.guard);
    append(routes, project_routes());
    append(routes, identity_v1_routes(rooms_.guard));
    append(routes, service_accounts_v1_routes(rooms_.accounts, rooms_.guard));
    append(routes, token_v1_routes(rooms_.accounts, rooms_.guard, clock));
    append(routes, pubsub_v1_routes(pubsub_));
    append(routes, sources_v1_routes(rooms_.control, rooms_.sources));
    append(routes, pipelines_v1_routes(rooms_.pipelines));
    if (rooms_.domains != nullptr)
      append(routes, domains_v1_routes(rooms_.control, *rooms_.domains));
    if (rooms_.jobs != nullptr) {
      append(routes, jobs_v1_routes(*rooms_.jobs, rooms_.logs, followers_));
      append(routes, jobs_v2_routes(*rooms_.jobs));
    }
    append(routes, thaw_v1_routes(clock, rooms_, options_, followers_));
    routes.push_back({"GET",
                      "/thaw/v1/endpoints",
                      {},
                      "the platform's ports, and the files of its TLS",
                      [this](const Call&, http::Responder responder) {
                        const bool is_known = options_.endpoints != nullptr;
                        responder.answer(
                            json_reply(is_known ? options_.endpoints() : Json::object()));
                      }});
    routes.push_back({"GET",
                      "/thaw/v1/routes",
                      {},
                      "this table",
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

  void handle_grpc(http::Request request, http::BodyStream body, http::Responder responder) {
    if (const Status status = admit(request); !status) {
      responder.answer(error_reply(status.error()));
      return;
    }
    rpc_.handle(std::move(request), std::move(body), std::move(responder));
  }

  /// Buckets say themselves which pages of other sites may call them (CORS).
  void handle_storage(http::Request request, http::BodyStream body, http::Responder responder) {
    if (const Status status = admit_storage_host(request); !status) {
      responder.answer(error_reply(status.error()));
      return;
    }
    const auto origin = admit_origin(request) ? storage_api::StorageApi::Origin::kOwn
                                              : storage_api::StorageApi::Origin::kOther;
    rooms_.storage->handle(std::move(request), std::move(body), std::move(responder), origin);
  }

  Rooms rooms_;
  ApiOptions options_;
  Followers followers_;
  pubsub_api::Service pubsub_;
  rpc::Router rpc_;
  pubsub_api::Grpc pubsub_over_grpc_;
  Router router_;
  http::Server server_;
};

Api::Api(io::Net& net, io::Loop& loop, Rooms rooms, ApiOptions options)
    : impl_(std::make_unique<Impl>(net, loop, rooms, std::move(options))) {}
Api::~Api() = default;

Result<io::SocketAddress> Api::listen(const io::SocketAddress& address) {
  return impl_->listen(address);
}

Result<io::SocketAddress> Api::listen(io::Net& net, const io::SocketAddress& address) {
  return impl_->listen(net, address);
}

void Api::hand_on_tunnels(uint16_t port, http::Server::TunnelHandler handler) {
  impl_->hand_on_tunnels(port, std::move(handler));
}

void Api::drain(std::function<void()> done) { impl_->drain(std::move(done)); }

std::string Api::reference() const { return impl_->reference(); }

}  // namespace thaw::api
