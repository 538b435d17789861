//! The page at `/`.

use axum::Router;

use super::State;

/// Its routes.
pub(super) fn routes() -> Router<State> {
    Router::new()
}
