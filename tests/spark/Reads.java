// Reads Parquet files by parquet-java and prints what they hold, one JSON object a row, every value as it is stored:
// whole numbers, the bits of floats as hexadecimal, bytes as hexadecimal, groups as objects, what repeats as arrays.
//
// Standard input has one request a line: PATH, or PATH, COLUMN, TYPE and VALUE with tabs between them, for the rows
// where COLUMN equals VALUE, found by statistics, dictionaries, bloom filters and page indexes. An answer ends with a
// line "ok ROWS", or "failed MESSAGE".

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.Type;

public final class Reads {
    private static void hex(byte[] bytes, StringBuilder out) {
        out.append('"');
        for (byte b : bytes) out.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        out.append('"');
    }

    private static void name(String text, StringBuilder out) {
        out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append("\":");
    }

    private static void value(Group group, int field, int index, StringBuilder out) {
        Type type = group.getType().getType(field);
        if (!type.isPrimitive()) {
            group(group.getGroup(field, index), out);
            return;
        }
        switch (type.asPrimitiveType().getPrimitiveTypeName()) {
            case BOOLEAN: out.append(group.getBoolean(field, index)); break;
            case INT32: out.append(group.getInteger(field, index)); break;
            case INT64: out.append(group.getLong(field, index)); break;
            case FLOAT:
                out.append(String.format("\"%08x\"", Float.floatToRawIntBits(group.getFloat(field, index))));
                break;
            case DOUBLE:
                out.append(String.format("\"%016x\"", Double.doubleToRawLongBits(group.getDouble(field, index))));
                break;
            default: hex(group.getBinary(field, index).getBytes(), out);
        }
    }

    private static void group(Group group, StringBuilder out) {
        GroupType type = group.getType();
        out.append('{');
        for (int field = 0; field < type.getFieldCount(); field++) {
            int count = group.getFieldRepetitionCount(field);
            boolean repeated = type.getType(field).isRepetition(Type.Repetition.REPEATED);
            if (field > 0) out.append(',');
            name(type.getFieldName(field), out);
            if (repeated) {
                out.append('[');
                for (int i = 0; i < count; i++) {
                    if (i > 0) out.append(',');
                    value(group, field, i, out);
                }
                out.append(']');
            } else if (count == 0) {
                out.append("null");
            } else {
                value(group, field, 0, out);
            }
        }
        out.append('}');
    }

    private static FilterPredicate equal(String column, String type, String value) {
        if (type.equals("int64")) return FilterApi.eq(FilterApi.longColumn(column), Long.valueOf(value));
        return FilterApi.eq(FilterApi.binaryColumn(column), Binary.fromString(value));
    }

    private static long read(String[] request, PrintStream out) throws IOException {
        Configuration configuration = new Configuration(false);
        configuration.setBoolean("parquet.page.verify-checksum.enabled", true);
        ParquetReader.Builder<Group> builder =
            ParquetReader.builder(new GroupReadSupport(), new Path(request[0])).withConf(configuration)
                .usePageChecksumVerification(true);
        if (request.length > 1)
            builder = builder.withFilter(FilterCompat.get(equal(request[1], request[2], request[3])));
        long rows = 0;
        StringBuilder line = new StringBuilder();
        try (ParquetReader<Group> reader = builder.build()) {
            for (Group row = reader.read(); row != null; row = reader.read(), rows++) {
                line.setLength(0);
                group((SimpleGroup) row, line);
                out.println(line);
            }
        }
        return rows;
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                out.println("ok " + read(line.split("\t"), out));
            } catch (Exception | StackOverflowError failure) {
                out.println("failed " + failure.toString().replace("\n", " ") + " / " + failure.getCause());
            }
            out.flush();
        }
    }
}
