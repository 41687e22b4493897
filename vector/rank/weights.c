/*
 * The two sets of weights; weights_int.h says what each is for and how they were found.
 */
#include "vector/rank/weights_int.h"

#include "vector/vector.h"

const floe_weights floe_weights_lexical = {
    .table_names = 0.5,
    .table_columns = 0.5,
    .table_description = 0.2,
    .table_column_text = 0.1,
    .table_values = 0.1,
    .table_verified = 1.0,
    .table_features = 0.2,
    .coherence = 0.3,
    .coherence_best = 0.3,
    .join = 0.3,
    .join_inferred = 0.2,
    .coverage = 1.0,
    .column_names = 0.7,
    .column_table = 0.3,
    .column_description = 0.2,
    .column_values = 0.1,
    .feature_names = 0.8,
    .feature_description = 0.2,
};

const floe_weights floe_weights_hybrid = {
    .table_names = 0.3,
    .table_columns = 0.2,
    .table_description = 0.2,
    .table_column_text = 0.1,
    .table_values = 0.1,
    .table_dense = 0.5,
    .table_dense_columns = 0.8,
    .table_soft_words = 0.7,
    .table_soft_phrases = 0.5,
    .table_verified = 2.0,
    .table_features = 0.4,
    .table_space = 0.2,
    .coherence = 0.7,
    .coherence_best = 0.8,
    .join = 0.2,
    .join_inferred = 0.15,
    .coverage = 0.8,
    .column_names = 0.5,
    .column_table = 0.3,
    .column_description = 0.2,
    .column_values = 0.1,
    .column_dense = 0.5,
    .column_soft = 0.3,
    .feature_names = 0.5,
    .feature_description = 0.2,
    .feature_dense = 0.5,
    .feature_soft = 0.3,
};

static void drop_lexical(floe_weights *weights) {
    weights->table_names = weights->table_columns = weights->table_description = 0;
    weights->table_column_text = weights->table_values = 0;
}

static void drop_dense(floe_weights *weights) {
    weights->table_dense = weights->table_dense_columns = 0;
}

static void drop_soft(floe_weights *weights) {
    weights->table_soft_words = weights->table_soft_phrases = 0;
}

floe_weights floe_weights_until(floe_weights weights, int stage) {
    bool alone = stage >= FLOE_STAGE_LEXICAL && stage <= FLOE_STAGE_SOFT;
    if (alone && stage != FLOE_STAGE_LEXICAL) {
        drop_lexical(&weights);
    }
    if (alone && stage != FLOE_STAGE_DENSE) {
        drop_dense(&weights);
    }
    if (alone && stage != FLOE_STAGE_SOFT) {
        drop_soft(&weights);
    }
    if (stage != FLOE_STAGE_ALL) {
        weights.table_space = weights.coherence = weights.coherence_best = 0;
        weights.table_verified = weights.table_features = 0;
    }
    weights.join = stage == FLOE_STAGE_ALL || stage == FLOE_STAGE_JOINS ? weights.join : 0;
    weights.join_inferred = weights.join > 0 ? weights.join_inferred : 0;
    weights.coverage = alone || stage == FLOE_STAGE_FUSED ? 0 : weights.coverage;
    return weights;
}
