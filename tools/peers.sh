# Sourced by deps.sh: the engines and services of others that `./dev test --peers` runs beside floe: Spark, Iceberg's own REST
# catalog and an S3 server (requirements-s3-server.txt), from their ordinary registries (PyPI, Maven), in the cache.
# shellcheck shell=bash

spark_release=3.5.6
iceberg_release=1.10.1
spark_file=pyspark-$spark_release.tar.gz
spark_jar=iceberg-spark-runtime-3.5_2.12-$iceberg_release.jar
rest_jars=iceberg-rest-$iceberg_release.jars # stands for all of them: the checksum is that of their list of checksums
spark_entry=spark-$spark_release-$(short "$spark_file")-$(short "$spark_jar")
rest_entry=iceberg-rest-$iceberg_release-$(short "$rest_jars")

# Maven, quiet unless it fails; behind a proxy with a certificate of its own Java wants that in a store of its own.
mvn_run() {
  local log=$1
  shift
  from_registry "$log" "mvn $1" mvn --batch-mode -q "$@"
}

make_spark() {
  fetch_sdist "$1" pyspark "$spark_release"
  tar -xzf "$1/$spark_file" -C "$2" --strip-components=1
  say "fetching $spark_jar"
  mvn_run "$1/mvn.log" dependency:copy "-Dartifact=org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:$iceberg_release" \
    "-DoutputDirectory=$1"
  verify "$1" "$spark_jar"
  mv "$1/$spark_jar" "$2/iceberg.jar"
}

make_rest_catalog() {
  say "fetching Iceberg's REST catalog $iceberg_release"
  mvn_run "$1/mvn.log" -f "$FLOE_ROOT/tools/peers/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$2"
  [ "$(cd "$2" && sha256sum -- *.jar | sha256sum | cut -d' ' -f1)" = "$(checksum "$rest_jars")" ] ||
    die "the jars of the REST catalog are not those that tools/checksums.txt stands for"
}
