import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.example.GroupWriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.MessageType;

/**
 * Writes Parquet files again by parquet-java, of whatever version is on the class path: for each IN OUT WORDS, WORDS
 * being KEY=VALUE,KEY=VALUE. Says "ok" or what went wrong for each.
 */
public class Writes {
    static void write(String in, String out, Map<String, String> words) throws Exception {
        Configuration conf = new Configuration();
        conf.setBoolean("fs.file.impl.disable.cache", true);
        conf.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
        Path from = new Path(in), to = new Path(out);
        MessageType schema = ParquetFileReader.readFooter(conf, from).getFileMetaData().getSchema();
        GroupWriteSupport.setSchema(schema, conf);
        ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), from).withConf(conf).build();
        ParquetWriter<Group> writer = new ParquetWriter<Group>(to, new GroupWriteSupport(),
                CompressionCodecName.valueOf(words.getOrDefault("codec", "none").replace("none", "uncompressed").toUpperCase()),
                Integer.parseInt(words.getOrDefault("group_bytes", "100000")),
                Integer.parseInt(words.getOrDefault("page_bytes", "1000")),
                Integer.parseInt(words.getOrDefault("dictionary_bytes", "1000")),
                words.getOrDefault("dictionary", "1").equals("1"), false,
                words.getOrDefault("version", "1").equals("1") ? WriterVersion.PARQUET_1_0 : WriterVersion.PARQUET_2_0,
                conf);
        for (Group row = reader.read(); row != null; row = reader.read())
            writer.write(row);
        writer.close();
        reader.close();
    }

    public static void main(String[] arguments) {
        for (int i = 0; i + 2 < arguments.length; i += 3) {
            Map<String, String> words = new HashMap<String, String>();
            for (String word : arguments[i + 2].split(","))
                if (word.contains("="))
                    words.put(word.substring(0, word.indexOf('=')), word.substring(word.indexOf('=') + 1));
            try {
                write(arguments[i], arguments[i + 1], words);
                System.out.println("\n= ok");
            } catch (Throwable problem) {
                System.out.println("\n= " + problem.toString().replace('\n', ' '));
            }
        }
    }
}
