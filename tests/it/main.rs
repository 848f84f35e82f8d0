//! The promises of Serin, over real sockets: a file a promise.

mod architecture;
