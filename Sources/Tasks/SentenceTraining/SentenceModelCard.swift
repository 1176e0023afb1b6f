import Checkpoints
import Embeddings

/// `README.md` of a trained sentence encoder: what it is, how to use it, what it was made from and how well it does.
///
/// The same run makes the same card: nothing in it depends on time or machine.
struct SentenceModelCard {
    let name: String
    let baseModel: String
    /// Of a vector.
    let size: Int
    let maxLength: Int
    /// The file names of the data.
    let train: String
    let examples: Int
    let dev: String?
    let metrics: SentenceMetrics?
    /// Settings and their values.
    let recipe: [(String, String)]

    var text: String {
        """
        ---
        library_name: sentence-transformers
        pipeline_tag: sentence-similarity
        \(Markdown.hubName(baseModel).map { "base_model: \($0)\n" } ?? "")tags:
        - sentence-transformers
        - sentence-similarity
        - feature-extraction
        - graft
        ---

        # \(Markdown.escaped(name))

        A sentence encoder, trained from \(Markdown.code(baseModel)) with Graft: it turns a text into \(size) numbers that are \
        alike where texts are.

        ## Use

        In this directory, with Graft:

            echo 'a text' | graft embed .

        With sentence-transformers:

        ```python
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(".")
        model.encode(["a text"])
        ```

        Texts are cut after \(maxLength.counted("token")).

        ## Data

        Trained on \(examples.counted("example")) of \(Markdown.code(train)).

        ## Metrics

        \(measured)

        ## Recipe

        \(Markdown.table(("setting", "value"), recipe))

        ## Limits

        What texts it takes for alike is what its examples and its base model show, biases included. On texts of another kind \
        its numbers are unknown: measure with `graft evaluate . --data FILE`.

        """
    }

    private var measured: String {
        guard let metrics, let dev else { return "Not measured: there was no dev set." }
        return "On \(metrics.examples.counted("example")) of \(Markdown.code(dev)): \(named(metrics))."
    }

    private func named(_ metrics: SentenceMetrics) -> String {
        func number(_ value: Double?) -> String { value.map { fixed($0, 4) } ?? "undefined" }
        return switch metrics {
        case .similarity(let metrics):
            "Spearman's correlation of cosines \(number(metrics.cosine.spearman)), Pearson's "
                + number(metrics.cosine.pearson)
        case .pairs(let metrics): "average precision of cosines \(number(metrics.cosine.averagePrecision))"
        case .triplets(let metrics): "accuracy of cosines \(number(metrics.cosine))"
        case .retrieval(let metrics): "NDCG@10 \(number(metrics.ndcg10)), MRR@10 \(number(metrics.mrr10))"
        }
    }
}
