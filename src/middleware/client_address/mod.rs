//! The address of a request's client: that of the peer or, if the peer is a trusted proxy, the one that it reports.

mod forwarded;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, HttpRequest};

use crate::settings::TrustedProxy;

/// The address of a request's client. The access log shows it, and limits count by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    address: Option<IpAddr>,
    is_proxy: bool,
}

/// The proxies whose headers are believed. Part of the App's data.
#[derive(Debug, Clone)]
pub struct TrustedProxies(Arc<[TrustedProxy]>);

impl ClientAddress {
    /// Returns the address of this request's client. Computed once per request.
    pub fn of(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().copied();
        known.unwrap_or_else(|| {
            let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
            let found = match request.app_data::<TrustedProxies>() {
                Some(proxies) => proxies.client(peer, request.headers()),
                None => Self::client(peer),
            };
            request.extensions_mut().insert(found);
            found
        })
    }

    /// Returns the address, for the log. `None` if the peer is a Unix socket and reports no address.
    pub fn ip(self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the address by which limits count. `None` if it is unknown, or that of a trusted proxy, behind which there
    /// may be any number of clients.
    pub fn limited(self) -> Option<IpAddr> {
        self.address.filter(|_| !self.is_proxy)
    }

    fn client(address: Option<IpAddr>) -> Self {
        Self {
            address,
            is_proxy: false,
        }
    }

    fn proxy(address: Option<IpAddr>) -> Self {
        Self {
            address,
            is_proxy: true,
        }
    }
}

impl TrustedProxies {
    /// Trusts these proxies.
    pub fn new(proxies: &[TrustedProxy]) -> Self {
        Self(proxies.into())
    }

    /// Returns the client of a request from this peer.
    ///
    /// Each proxy appends the address of its own peer to `X-Forwarded-For` or `Forwarded`. So the client is the right-most
    /// address that is no trusted proxy; a client can forge only what stands to the left of it.
    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> ClientAddress {
        if !self.trust(peer) {
            return ClientAddress::client(peer);
        }
        let x_forwarded_for = self.last_client(peer, forwarded::x_forwarded_for(headers));
        let forwarded = self.last_client(peer, forwarded::forwarded(headers));
        match (x_forwarded_for, forwarded) {
            (None, None) => ClientAddress::proxy(peer),
            (Some(client), None) | (None, Some(client)) => client,
            (Some(one), Some(other)) if one == other => one,
            // The proxy sets one of the headers and passes on the other one, which the client forged. As it is unknown
            // which, all such clients count as one.
            (Some(_), Some(_)) => ClientAddress::client(peer),
        }
    }

    /// Returns the first address that is no trusted proxy; `None` without any address. After an unreadable address, the
    /// proxy that reported it counts as the client.
    fn last_client(
        &self,
        peer: Option<IpAddr>,
        from_the_right: impl Iterator<Item = Option<IpAddr>>,
    ) -> Option<ClientAddress> {
        let mut last = None;
        for address in from_the_right {
            match address {
                Some(proxy) if self.trust(address) => last = Some(proxy),
                Some(_) => return Some(ClientAddress::client(address)),
                None => return Some(ClientAddress::client(last.or(peer))),
            }
        }
        last.map(|proxy| ClientAddress::proxy(Some(proxy)))
    }

    /// Returns `true` for the address of a trusted proxy. A Unix socket has none.
    fn trust(&self, address: Option<IpAddr>) -> bool {
        self.0.iter().any(|proxy| match (proxy, address) {
            (TrustedProxy::Network(network), Some(address)) => network.contains(&address),
            (TrustedProxy::UnixSocket, None) => true,
            (TrustedProxy::Network(_), None) | (TrustedProxy::UnixSocket, Some(_)) => false,
        })
    }
}
