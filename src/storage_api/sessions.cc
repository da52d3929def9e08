#include "storage_api/sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "objects/resource_json.h"
#include "storage_api/handlers.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::Content;
using objects::Object;
using objects::Upload;

constexpr size_t kMostSessions = 256;

/// What the request's Content-Range says; without one the body is all there is.
Result<ContentRange> range_of(const Call& call) {
  if (const auto header = call.request.headers.find("content-range")) {
    return parse_content_range(*header);
  }
  return ContentRange{.kind = ContentRange::Kind::kToTheEnd};
}

/// Drops what is there already, refuses what goes beyond the range, or makes more of the object,
/// which has `have` bytes, than `sizes` allow.
Pump::Filter skipping(int64_t skip, std::optional<int64_t> most, std::optional<Intake::Sizes> sizes,
                      int64_t have) {
  return [=](std::string piece) mutable -> Result<std::string> {
    const auto size = static_cast<int64_t>(piece.size());
    if (most && (*most -= size) < 0) {
      return Error(Code::kInvalidArgument, "The body is longer than its Content-Range");
    }
    const int64_t here = std::min(skip, size);
    skip -= here;
    if (here > 0) piece.erase(0, static_cast<size_t>(here));
    have += size - here;
    if (sizes && have > sizes->most) return sizes->too_large();
    return piece;
  };
}

}  // namespace

struct Sessions::Session {
  Upload upload;
  Intake intake;
  std::shared_ptr<objects::ContentWriter> writer;
  bool is_open = false;  // the writer's size is known
  bool is_busy = false;
  std::shared_ptr<Pump> pump;  // while bytes come
  CallPtr next;                // takes over when the present one has ended
  uint64_t used = 0;
};

void Sessions::start(const CallPtr& call, const Json& metadata) {
  const http::Headers& headers = call->request.headers;
  const bool is_xml = call->target.kind == Target::Kind::kXmlObject;
  auto intake =
      Intake::read(*call, metadata, headers.get(is_xml ? "content-type" : "x-upload-content-type"));
  if (!intake) return call->answer(intake.error());
  if (const auto length = headers.find("x-upload-content-length")) {
    intake->size = parse_count(*length);
    if (!intake->size) {
      return call->answer(Error(Code::kInvalidArgument, "X-Upload-Content-Length is no number"));
    }
  }
  if (const Status promised = intake->add_promises(headers); !promised) {
    return call->answer(promised.error());
  }
  Upload upload{.id = store_.new_id() + store_.new_id(),
                .bucket = intake->bucket,
                .name = intake->name,
                .content = store_.new_id(),
                .request = intake->to_json()};
  store_.change_only([upload](Catalog& catalog) { return catalog.add_upload(upload); },
                     [call, upload](const Status& status) {
                       if (!status) return call->answer(status.error());
                       http::Response reply =
                           empty_reply(call->target.kind == Target::Kind::kXmlObject ? 201 : 200);
                       reply.headers.add(
                           "location", fmt::format("{}{}?uploadType=resumable&upload_id={}",
                                                   call->base_url, call->request.path, upload.id));
                       reply.headers.add("x-guploader-uploadid", upload.id);
                       call->answer(std::move(reply));
                     });
}

/// A session does not outlive its row, which may go with the bucket.
void Sessions::go_on(const CallPtr& call) {
  const std::string id = call->query("upload_id");
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return load(id, call);
  store_.read<Upload>([id](Catalog& catalog) { return catalog.upload(id); },
                      [this, id, call, session = found->second](const Result<Upload>& upload) {
                        if (!upload) {
                          if (upload.error().code() == Code::kNotFound) let_go(id);
                          return refuse_upload(call, upload.error());
                        }
                        const auto present = sessions_.find(id);
                        const bool stays = present != sessions_.end() && present->second == session;
                        stays ? queue(session, call) : go_on(call);
                      });
}

void Sessions::load(const std::string& id, const CallPtr& call) {
  store_.read<Upload>([id](Catalog& catalog) { return catalog.upload(id); },
                      [this, id, call](Result<Upload> upload) {
                        if (!upload) return refuse_upload(call, upload.error());
                        if (upload->generation != 0) return answer_finished(*upload, call);
                        SessionPtr& session = sessions_[id];
                        if (session == nullptr) {  // unless another call was quicker
                          auto intake =
                              Intake::from_json(upload->bucket, upload->name, upload->request);
                          if (!intake) {
                            sessions_.erase(id);
                            return refuse_upload(call, intake.error());
                          }
                          session = std::make_shared<Session>();
                          session->intake = *std::move(intake);
                          session->writer = store_.resume_content(upload->content);
                          session->upload = *std::move(upload);
                        }
                        queue(SessionPtr(session), call);
                        make_room();
                      });
}

void Sessions::queue(const SessionPtr& session, const CallPtr& call) {
  session->used = ++uses_;
  if (!session->is_busy) {
    session->is_busy = true;
    return serve(session, call);
  }
  if (const CallPtr waiting = std::exchange(session->next, call)) {
    refuse_upload(waiting,
                  Error(Code::kUnavailable, "Another request for this upload came meanwhile"));
  }
  if (session->pump != nullptr) session->pump->stop();
}

/// After a restart the file tells how far the upload is.
void Sessions::serve(const SessionPtr& session, const CallPtr& call) {
  if (call->request.method == "DELETE") return cancel(session, call);
  if (session->is_open) return serve_open(session, call);
  session->writer->keep([this, session, call](const Status& status) {
    if (!status) return refuse(session, call, status.error());
    session->is_open = true;
    serve_open(session, call);
  });
}

void Sessions::serve_open(const SessionPtr& session, const CallPtr& call) {
  const auto range = range_of(*call);
  if (!range) return refuse(session, call, range.error());
  const int64_t size = session->writer->size();
  if (range->kind == ContentRange::Kind::kQuery) {
    if (range->total && *range->total == size) return finish(session, call);
    return answer_progress(session, call);
  }
  if (range->begin > size) return answer_progress(session, call);  // the client looks at Range
  receive(session, call, *range);
}

void Sessions::receive(const SessionPtr& session, const CallPtr& call, const ContentRange& range) {
  std::optional<int64_t> most;
  if (range.kind == ContentRange::Kind::kPart) most = range.end - range.begin;
  const int64_t have = session->writer->size();
  session->pump =
      std::make_shared<Pump>(*std::exchange(call->body, std::nullopt), session->writer,
                             skipping(have - range.begin, most, session->intake.sizes, have),
                             [this, session, call, range](const Status& status, Pump::End end) {
                               session->pump = nullptr;
                               received(session, call, range, status, end);
                             });
  session->pump->start();
}

void Sessions::received(const SessionPtr& session, const CallPtr& call, const ContentRange& range,
                        const Status& status, Pump::End end) {
  if (!status) return refuse(session, call, status.error());
  if (end == Pump::End::kBroken) {
    call->answer(Error(Code::kUnavailable, "The request broke off, or another one took over"));
    return rest(session);
  }
  const int64_t size = session->writer->size();
  const bool is_all = range.total && size == *range.total;
  const bool is_last = range.kind == ContentRange::Kind::kToTheEnd;
  if (is_last && range.total && !is_all) {
    return refuse(session, call,
                  Error(Code::kInvalidArgument,
                        fmt::format("The body ended at byte {} of {}", size, *range.total)));
  }
  is_all || is_last ? finish(session, call) : answer_progress(session, call);
}

void Sessions::answer_progress(const SessionPtr& session, const CallPtr& call) {
  session->writer->keep([this, session, call](const Status& status) {
    if (!status) return refuse(session, call, status.error());
    http::Response reply = empty_reply(308);
    const int64_t size = session->writer->size();
    if (size > 0) reply.headers.add("range", fmt::format("bytes=0-{}", size - 1));
    reply.headers.add("x-guploader-uploadid", session->upload.id);
    call->answer(std::move(reply));
    rest(session);
  });
}

void Sessions::finish(const SessionPtr& session, const CallPtr& call) {
  if (const Status promised = session->intake.add_promises(call->request.headers); !promised) {
    return refuse(session, call, promised.error());
  }
  session->writer->finish([this, session, call](const Result<Content>& content) {
    if (!content) return refuse(session, call, content.error());
    if (const Status kept = session->intake.check(*content); !kept) {
      store_.change_only(
          [id = session->upload.id](Catalog& catalog) { return catalog.remove_upload(id); },
          [](const Status&) {});
      call->answer(kept.error());
      return forget(session);
    }
    commit(session, call, *content);
  });
}

void Sessions::commit(const SessionPtr& session, const CallPtr& call, const Content& content) {
  store_.change<Object>(
      [object = session->intake.object(content), conditions = session->intake.conditions,
       id = session->upload.id](Catalog& catalog) -> Result<Object> {
        // Without its row its bytes went too: with its bucket, or because its week was over.
        if (auto upload = catalog.upload(id); !upload) return std::move(upload).error();
        ASSIGN_OR_RETURN(Object made, catalog.put(object, conditions));
        RETURN_IF_ERROR(catalog.finish_upload(id, made.generation));
        return made;
      },
      [this, session, call](const Result<Object>& object) {
        if (object) {
          call->answer(json_reply(objects::object_json(*object, call->base_url)));
        } else {
          call->answer(object.error());
        }
        if (!object && object.error().code() == Code::kNotFound) {
          store_.drop_content(session->upload.content);  // what came after its row had gone
        }
        const bool is_over = !object && object.error().code() != Code::kResourceExhausted &&
                             object.error().code() != Code::kUnavailable;
        if (is_over) {
          store_.change_only(
              [id = session->upload.id](Catalog& catalog) { return catalog.remove_upload(id); },
              [](const Status&) {});
        }
        // Hashing has ended: after a full disk the next request opens the file anew.
        forget(session);
      });
}

/// A client that did not hear the last answer asks again.
void Sessions::answer_finished(const Upload& upload, const CallPtr& call) {
  if (call->request.method == "DELETE") {
    return call->answer(error_reply(404, "notFound", "The upload is finished"));
  }
  store_.read<Object>(
      [upload](Catalog& catalog) {
        return catalog.object(upload.bucket, upload.name, upload.generation);
      },
      [call](const Result<Object>& object) {
        if (!object) return refuse_upload(call, object.error());
        call->answer(json_reply(objects::object_json(*object, call->base_url)));
      });
}

void Sessions::cancel(const SessionPtr& session, const CallPtr& call) {
  store_.change_only(
      [id = session->upload.id](Catalog& catalog) { return catalog.remove_upload(id); },
      [this, session, call](const Status& status) {
        if (!status) return refuse(session, call, status.error());
        call->answer(empty_reply(499));
        forget(session);
      });
}

void Sessions::refuse(const SessionPtr& session, const CallPtr& call, const Error& error) {
  refuse_upload(call, error);
  rest(session);
}

/// Serves who waits, else waits for the next.
void Sessions::rest(const SessionPtr& session) {
  if (const CallPtr next = std::exchange(session->next, nullptr)) return serve(session, next);
  session->is_busy = false;
}

void Sessions::forget(const SessionPtr& session) {
  sessions_.erase(session->upload.id);
  if (const CallPtr next = std::exchange(session->next, nullptr)) go_on(next);
}

/// Its row is gone. One that is busy finds that out when it commits.
void Sessions::let_go(const std::string& id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->is_busy) return;
  store_.drop_content(found->second->upload.content);
  sessions_.erase(found);
}

void Sessions::make_room() {
  while (sessions_.size() > kMostSessions) {
    auto oldest = sessions_.end();
    for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
      if (each->second->is_busy) continue;
      if (oldest == sessions_.end() || each->second->used < oldest->second->used) oldest = each;
    }
    if (oldest == sessions_.end()) return;
    sessions_.erase(oldest);
  }
}

}  // namespace thaw::storage_api
