/// A document without references to others: style and script are in it, and nothing else can be loaded.
struct HTMLPage {
    let title: String
    let body: HTML
    /// Behind the style sheet of all pages.
    var style: HTML = .empty
    /// In place of the script of charts.
    var script = Self.script

    var html: String {
        let document: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
            script-src 'unsafe-inline'; img-src data:">
            <link rel="icon" href="data:,">
            <title>\(title)</title>
            <style>
            \(Self.style)\(style)</style>
            </head>
            <body>
            <main>
            \(body)</main>
            <script>
            \(script)</script>
            </body>
            </html>

            """
        return document.text
    }
}
