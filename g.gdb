set pagination off
set breakpoint pending on
set print thread-events off
tbreak cli_search
tbreak floe_project_role
tbreak floe_search_embedder_open
tbreak floe_search_open
tbreak floe_generation_current
tbreak floe_corpus_load
tbreak floe_words_next
tbreak floe_meaning_load
tbreak floe_ann_view_open
tbreak floe_meaning_link
tbreak floe_sight_ready
tbreak floe_search_query
tbreak floe_sights_of
tbreak floe_answers_get
tbreak floe_question_read
tbreak floe_term_weight
tbreak floe_recall_ask
tbreak floe_helper_set_aside
tbreak floe_embedder_embed
tbreak floe_rank_lexical
tbreak floe_field_score
tbreak floe_rank_verified
tbreak floe_rank_prepare
tbreak floe_rank_meaning
tbreak floe_rank_lineage
tbreak floe_rank_tables
tbreak floe_rank_columns
tbreak floe_rank_features
tbreak floe_signal_has
tbreak floe_answers_put
tbreak floe_answer_print_json
run search "flight delay"
python
import gdb
while True:
    try:
        f=gdb.selected_frame().name()
        print("HIT",f)
        gdb.execute("continue")
    except Exception as e:
        break
end
