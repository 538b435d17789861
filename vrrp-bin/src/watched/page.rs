//! The page at `/`: what a browser shows of this node, for people. It follows [`live`](super::live).
//!
//! It is a few files, which are in the program: nothing is made for it, and nothing comes from
//! elsewhere.

use axum::{Router, http::header::CONTENT_TYPE, routing::get};

use super::{State, live};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Each file by its path.
const FILES: [(&str, &str, &str); 7] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page.css", CSS, include_str!("page/page.css")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/routers.js", SCRIPT, include_str!("page/routers.js")),
    ("/drawings.js", SCRIPT, include_str!("page/drawings.js")),
    ("/words.js", SCRIPT, include_str!("page/words.js")),
    ("/icon.svg", SVG, include_str!("page/icon.svg")),
];

/// Its routes.
pub(super) fn routes() -> Router<State> {
    let live = Router::new().route("/live", get(live::live));
    FILES.iter().fold(live, |routes, (path, kind, text)| {
        routes.route(path, get(async || ([(CONTENT_TYPE, *kind)], *text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file at this path.
    fn file(path: &str) -> &'static str {
        FILES.iter().find(|(known, _, _)| *known == path).unwrap().2
    }

    /// What stands between `before` and the next quotation mark, wherever it does.
    fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_page_asks_for_nothing_that_is_not_here() {
        let known =
            |name: &str| FILES.iter().any(|(path, _, _)| path.trim_start_matches('/') == name);
        let html = file("/");
        let links = [quoted(html, "href=\""), quoted(html, "src=\"")].concat();
        let links: Vec<&str> = links.into_iter().filter(|link| !link.starts_with('#')).collect();
        assert_eq!(links, ["icon.svg", "page.css", "page.js"]);
        assert!(links.into_iter().all(known));
        for (path, _, text) in FILES {
            for import in quoted(text, "from \"./") {
                assert!(known(import), "{path} imports {import}");
            }
            // The name of a namespace is no link.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//www") && !text.contains("http"), "{path} names another host");
        }
    }

    /// The policy of its answers lets none in, and nothing that was told may become markup.
    #[test]
    fn nothing_becomes_markup_a_script_or_a_style() {
        let words = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
        ];
        for (path, _, text) in FILES {
            for word in words {
                assert!(!text.contains(word), "{path} has {word}");
            }
        }
        let html = file("/");
        for word in ["style=", "<style", " onclick", " onload", "javascript:", "<form"] {
            assert!(!html.contains(word), "the page has {word}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("<script src=").count());
    }
}
