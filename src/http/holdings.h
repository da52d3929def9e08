// Holdings: what clients make a server hold in memory, and who gives way when it is too much.
//
// One for the bodies that come in and are not whole yet, one for the answers that their clients
// have not taken. A hold costs its bytes times how long they have been held; of the client address
// whose holds cost the most the costliest one gives way. So the slow ones go and not who came last,
// and neither many connections nor one large message let one client push out the others.
// Thread: the loop's. Owner: holdings outlive their Holds, and Holders theirs. Limits: `most` bytes
// together, beside the largest: one message alone may be of any size. The first kFree of a
// connection are not counted, so that small messages go on.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "io/clock.h"

namespace thaw::http {

/// Whose memory it is.
class Holder {
 public:
  /// Its address, without a port.
  virtual std::string address() const = 0;
  /// It is to end what it holds in a later turn: its hold is over until it is emptied. Called
  /// inside another's set(), so nothing else may happen here.
  virtual void give_way() = 0;

 protected:
  ~Holder() = default;
};

class Holdings {
 public:
  static constexpr size_t kFree = 16 << 10;

  class Hold {
   public:
    Hold(Holdings& all, Holder& holder) : all_(all), holder_(holder) {}
    ~Hold() { empty(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    /// So many bytes are held now, and `of_connection` with the others of its connection. False:
    /// this one is to give way, and is over.
    bool set(size_t bytes, size_t of_connection) {
      if (of_connection <= kFree && counted_ == 0) return !is_over_;  // as nearly always
      return count(bytes);
    }
    bool set(size_t bytes) { return set(bytes, bytes); }
    /// Nothing is held any more.
    void empty() {
      is_over_ = false;
      if (counted_ > 0) count(0);
    }
    /// It was told to give way. Its bytes are not counted any more.
    bool is_over() const { return is_over_; }

   private:
    friend class Holdings;
    bool count(size_t bytes);

    Holdings& all_;
    Holder& holder_;
    size_t counted_ = 0;
    bool is_over_ = false;
    size_t index_ = 0;  // in holds_, while counted_ > 0
    Instant since_;
  };

  Holdings(size_t most, const io::Clock& clock) : most_(most), clock_(clock) {}
  Holdings(const Holdings&) = delete;
  Holdings& operator=(const Holdings&) = delete;

  /// Bytes, but those that are free.
  size_t bytes() const { return bytes_; }

 private:
  void recount(Hold& hold, size_t counted);
  bool is_too_much() const;
  Hold& costliest() const;

  size_t most_;
  const io::Clock& clock_;
  size_t bytes_ = 0;
  std::vector<Hold*> holds_;  // those that count
};

}  // namespace thaw::http
