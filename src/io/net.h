// Net: listening, connecting and non-blocking byte streams.
//
// Thread: the loop's. Owner: streams and listeners are owned by who asked for them and must go
// before their Net; destroying one closes it and no callback comes afterwards, also when it is
// destroyed inside its own callback.
// Limits: what the kernel grants; a failed accept (EMFILE) is retried when a stream is closed or
// after 100 ms.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::io {

/// A network namespace that is not the program's own. Held open while referenced.
class NetNamespace {
 public:
  virtual ~NetNamespace() = default;
};

struct SocketAddress {
  std::string ip;                                    // "127.0.0.1", "0.0.0.0", "::1"
  uint16_t port = 0;                                 // 0 to listen: the kernel chooses
  std::shared_ptr<const NetNamespace> in = nullptr;  // null: the program's own

  /// "127.0.0.1:8080", "[::1]:8080".
  std::string str() const;
};

/// How far one non-blocking read or write came.
struct Transfer {
  enum class State {
    kMoved,       // `bytes` > 0 were moved
    kWouldBlock,  // nothing now; the matching event will come
    kEnd,         // read only: the peer sent its last byte
    kBroken,      // the connection is gone: `error` is an errno
  };
  State state;
  size_t bytes = 0;
  int error = 0;
};

/// Events are edges: each says that the state changed since kWouldBlock was returned, and may come
/// when nothing changed. on_readable also announces the end and a break.
class StreamEvents {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~StreamEvents() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual Transfer read(std::span<char> into) = 0;
  /// Writes the parts one after another with one system call; may move only some of the bytes.
  virtual Transfer write(std::span<const std::string_view> parts) = 0;
  /// Says that no more bytes will be written; reading goes on.
  virtual void shutdown_write() = 0;
  /// From now on `events` gets this stream's events; null: nobody does. Whatever happened before
  /// is announced again.
  virtual void set_events(StreamEvents* events) = 0;
  /// False when the peer has closed or broken it, or sent what was not read yet, even if no event
  /// told so: asks the kernel. For deciding whether an idle connection may be used again.
  virtual bool is_quiet_and_open() { return true; }
  /// Port 0 and empty ip for a pipe.
  virtual SocketAddress peer() const = 0;
  /// The address that the peer reached; port 0 and empty ip where that is not known.
  virtual SocketAddress local() const { return {}; }
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// With the port that the kernel chose.
  virtual SocketAddress address() const = 0;
};

/// A connection attempt; dropping it gives up.
class Connecting {
 public:
  virtual ~Connecting() = default;
};

class Net {
 public:
  virtual ~Net() = default;
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;
  using OnConnect = std::function<void(Result<std::unique_ptr<Stream>>)>;

  /// kAlreadyExists-like errors name the address: "listen on 127.0.0.1:8080: Address in use".
  virtual Result<std::unique_ptr<Listener>> listen(const SocketAddress& address,
                                                   OnAccept on_accept) = 0;
  /// `on_connect` runs once in a later turn, with a stream or an error (kUnavailable: refused).
  virtual std::unique_ptr<Connecting> connect(const SocketAddress& address,
                                              OnConnect on_connect) = 0;
};

}  // namespace thaw::io
