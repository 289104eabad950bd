// A real HDFS in one process: a NameNode (or two, of which one stands by) and some DataNodes on free ports of 127.0.0.1, and Java's own client.
//
// Started with a directory of its own, it prints one line of JSON with its ports once it can be written to, then answers
// requests, one JSON object a line, each with one line of JSON. It ends, and its directory goes, with its standard input.
// tests/servers/server.py is what starts it.
//
//     {"op": "stop", "node": 1}                a DataNode goes
//     {"op": "fail_over"}                      of a pair of NameNodes the other one becomes the active one
//     {"op": "safe_mode", "on": true}          and false
//     {"op": "shell", "words": ["-cat", "/a"], "out": "/tmp/a"}   `hdfs dfs -cat /a`, what it prints in a file
//     {"op": "parts", "directory": "/d", "count": 400, "bytes": 220000000}   files that nobody wrote, of simulated
//                                              blocks, all of lines; answers the bytes of all
//     {"op": "token", "out": "/tmp/t"}         a delegation token: as text, and in a file as YARN writes it
//     {"op": "set", "name": …, "value": …}     a setting of the client that `shell` uses

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import javax.net.SocketFactory;
import org.apache.hadoop.conf.Configurable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.CryptoProtocolVersion;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.ha.HAServiceProtocol.RequestSource;
import org.apache.hadoop.ha.HAServiceProtocol.StateChangeRequestInfo;
import org.apache.hadoop.hdfs.AddBlockFlag;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.protocol.ClientProtocol;
import org.apache.hadoop.hdfs.protocol.ExtendedBlock;
import org.apache.hadoop.hdfs.protocol.HdfsConstants.SafeModeAction;
import org.apache.hadoop.hdfs.protocol.HdfsFileStatus;
import org.apache.hadoop.hdfs.protocol.LocatedBlock;
import org.apache.hadoop.hdfs.server.blockmanagement.BlockIdManager;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.hdfs.server.datanode.SimulatedFSDataset;
import org.apache.hadoop.hdfs.server.namenode.NameNode;
import org.apache.hadoop.io.EnumSetWritable;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.util.SequentialNumber;
import org.apache.hadoop.util.ToolRunner;

public final class Hdfs {
    private static final int LINE_BYTES = 29;
    private static final String APART = "lamella.tests.apart"; // each DataNode has an IP address of its own
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final StateChangeRequestInfo BY_HAND = new StateChangeRequestInfo(RequestSource.REQUEST_BY_USER_FORCED);

    private final File place;
    private final Configuration settings = new HdfsConfiguration();
    private final List<NameNode> nameNodes = new ArrayList<>();
    private final List<DataNode> dataNodes = new ArrayList<>();
    private NameNode active;

    // What is waited for in a real cluster is not waited for here, and nothing is synced: only the machine can go.
    private void settle() {
        DefaultMetricsSystem.setMiniClusterMode(true);
        settings.set("dfs.namenode.name.dir", new File(place, "name").toURI().toString());
        settings.set("fs.defaultFS", "hdfs://127.0.0.1:0");
        settings.set("dfs.namenode.http-address", "127.0.0.1:0");
        settings.set("dfs.datanode.address", "127.0.0.1:0");
        settings.set("dfs.datanode.http.address", "127.0.0.1:0");
        settings.set("dfs.datanode.ipc.address", "127.0.0.1:0");
        settings.set("dfs.datanode.hostname", "127.0.0.1");
        settings.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10");
        settings.set("dfs.namenode.edits.noeditlogchannelflush", "true");
        settings.set("dfs.namenode.fs-limits.min-block-size", "512");
        settings.set("dfs.namenode.safemode.extension", "0");
        settings.set("dfs.namenode.decommission.interval", "1");
        settings.set("dfs.namenode.heartbeat.recheck-interval", "500");
        settings.set("dfs.heartbeat.interval", "1");
        settings.set("dfs.replication", "1");
        settings.set("ipc.client.connect.max.retries", "1");
        settings.set("hadoop.security.groups.cache.secs", "3600");
    }

    private static String freeAddress() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return "127.0.0.1:" + socket.getLocalPort();
        }
    }

    private void startOne() throws Exception {
        NameNode.format(settings);
        active = NameNode.createNameNode(new String[0], settings);
        nameNodes.add(active);
        settings.set("fs.defaultFS", "hdfs://127.0.0.1:" + active.getNameNodeAddress().getPort());
    }

    // Two NameNodes under the name "pair", which share a directory of edits; the first is the active one.
    private void startPair() throws Exception {
        settings.set("fs.defaultFS", "hdfs://pair");
        settings.set("dfs.nameservices", "pair");
        settings.set("dfs.ha.namenodes.pair", "nn1,nn2");
        settings.set("dfs.client.failover.proxy.provider.pair",
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider");
        settings.set("dfs.namenode.shared.edits.dir", new File(place, "edits").toURI().toString());
        settings.set("dfs.ha.standby.checkpoints", "false");
        settings.set("dfs.ha.tail-edits.period", "1");
        settings.unset("dfs.namenode.http-address");
        for (String id : new String[] {"nn1", "nn2"}) {
            settings.set("dfs.namenode.rpc-address.pair." + id, freeAddress());
            settings.set("dfs.namenode.http-address.pair." + id, freeAddress());
        }
        for (String id : new String[] {"nn1", "nn2"}) {
            Configuration own = new HdfsConfiguration(settings);
            own.set("dfs.ha.namenode.id", id);
            own.set("dfs.namenode.name.dir", new File(place, id).toURI().toString());
            if (id.equals("nn1")) NameNode.format(own);
            else FileUtil.copy(new File(place, "nn1/current"), FileSystem.getLocal(own),
                     new Path(new File(place, "nn2/current").toURI()), false, own);
            nameNodes.add(NameNode.createNameNode(new String[0], own));
        }
        active = nameNodes.get(0);
        active.getRpcServer().transitionToActive(BY_HAND);
    }

    private void failOver() throws Exception {
        active.getRpcServer().transitionToStandby(BY_HAND);
        active = nameNodes.get(active == nameNodes.get(0) ? 1 : 0);
        active.getRpcServer().transitionToActive(BY_HAND);
    }

    private Hdfs(File place, int names, int count, String[] more) throws Exception {
        this.place = place;
        settle();
        for (String pair : more) settings.set(pair.split("=", 2)[0], pair.split("=", 2)[1]);
        if (names == 1) startOne();
        else startPair();
        for (int i = 0; i < count; i++) {
            Configuration own = new HdfsConfiguration(settings);
            own.set("dfs.datanode.data.dir", new File(place, "data" + i).toURI().toString());
            if (settings.getBoolean(APART, false)) setApart(own, "127.0.0." + (i + 2));
            DataNode node = DataNode.instantiateDataNode(new String[0], own);
            node.runDatanodeDaemon();
            dataNodes.add(node);
        }
        for (NameNode name : nameNodes)
            while (name.getNamesystem().getNumLiveDataNodes() < count || name.isInSafeMode()) Thread.sleep(20);
        FileSystem.get(settings).setPermission(new Path("/"), new FsPermission((short) 0777));
    }

    // As if it were alone on a host. The NameNode takes for a DataNode's address what its calls come from.
    private static void setApart(Configuration own, String host) {
        for (String one : new String[] {"address", "http.address", "ipc.address"})
            own.set("dfs.datanode." + one, host + ":0");
        own.set("dfs.datanode.hostname", host);
        own.set("hadoop.rpc.socket.factory.class.default", CallsFromItsHost.class.getName());
    }

    public static final class CallsFromItsHost extends SocketFactory implements Configurable {
        private Configuration settings;

        @Override
        public void setConf(Configuration settings) {
            this.settings = settings;
        }

        @Override
        public Configuration getConf() {
            return settings;
        }

        @Override
        public Socket createSocket() throws IOException {
            return SocketChannel.open().bind(new InetSocketAddress(settings.get("dfs.datanode.hostname"), 0)).socket();
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
            throw new UnsupportedOperationException();
        }
    }

    private ObjectNode ports() {
        ObjectNode answer = JSON.createObjectNode();
        answer.put("default", settings.get("fs.defaultFS"));
        ArrayNode names = answer.putArray("name_nodes");
        for (NameNode name : nameNodes)
            names.addObject()
                .put("rpc", name.getNameNodeAddress().getPort())
                .put("http", name.getHttpAddress().getPort());
        ArrayNode nodes = answer.putArray("data_nodes");
        ArrayNode hosts = answer.putArray("data_hosts");
        for (DataNode node : dataNodes) {
            nodes.add(node.getInfoPort());
            hosts.add(node.getDatanodeId().getHostName());
        }
        answer.put("pid", ProcessHandle.current().pid());
        return answer;
    }

    private int shell(JsonNode request) throws Exception {
        List<String> words = new ArrayList<>();
        for (JsonNode word : request.get("words")) words.add(word.asText());
        PrintStream before = System.out;
        try (PrintStream out = new PrintStream(new FileOutputStream(request.get("out").asText()))) {
            System.setOut(out);
            return ToolRunner.run(settings, new FsShell(), words.toArray(new String[0]));
        } finally {
            System.setOut(before);
        }
    }

    // The bytes of a simulated block count on from its number, LINE_BYTES of them again and again. From 238 on they are
    // a line, with a tab in it.
    private void beginLines() throws ReflectiveOperationException {
        BlockIdManager numbers = active.getNamesystem().getBlockManager().getBlockIdManager();
        Method method = BlockIdManager.class.getDeclaredMethod("getBlockIdGenerator");
        method.setAccessible(true);
        SequentialNumber next = (SequentialNumber) method.invoke(numbers);
        long number = next.getCurrentValue() + 1;
        next.skipTo(number + ((238 - number) & 0xff) - 1);
    }

    // Tells the DataNode that it has these bytes, and the NameNode that it was told so.
    private void invent(ExtendedBlock block, String storage) throws IOException {
        DataNode node = dataNodes.get(0);
        ((SimulatedFSDataset) node.getFSDataset()).injectBlocks(block.getBlockPoolId(), List.of(block.getLocalBlock()));
        node.notifyNamenodeReceivedBlock(block, "", storage, false);
    }

    // Of two blocks, the last one small: to come to a place in a simulated block, all before it is made up too.
    private long inventFile(ClientProtocol names, String path, long bytes) throws Exception {
        FsPermission mode = new FsPermission((short) 0666);
        EnumSetWritable<CreateFlag> flags = new EnumSetWritable<>(EnumSet.of(CreateFlag.CREATE));
        long[] sizes = {bytes - LINE_BYTES * 100 - (bytes - LINE_BYTES * 100) % 512, LINE_BYTES * 100};
        HdfsFileStatus file = names.create(
            path, mode, "invented", flags, true, (short) 1, sizes[0], CryptoProtocolVersion.supported(), null, null);
        ExtendedBlock block = null;
        for (long size : sizes) {
            beginLines();
            LocatedBlock next = names.addBlock(
                path, "invented", block, null, file.getFileId(), null, EnumSet.noneOf(AddBlockFlag.class));
            block = next.getBlock();
            block.setNumBytes(size);
            invent(block, next.getStorageIDs()[0]);
        }
        while (!names.complete(path, "invented", block, file.getFileId())) Thread.sleep(5);
        return sizes[0] + sizes[1];
    }

    private long inventParts(JsonNode request) throws Exception {
        DistributedFileSystem files = (DistributedFileSystem) FileSystem.get(settings);
        String directory = request.get("directory").asText();
        long all = 0;
        files.mkdirs(new Path(directory), new FsPermission((short) 0777));
        files.setPermission(new Path(directory), new FsPermission((short) 0777));
        for (int i = 0; i < request.get("count").asInt(); i++)
            all += inventFile(files.getClient().getNamenode(), String.format("%s/part-%05d", directory, i),
                request.get("bytes").asLong());
        return all;
    }

    private String token(File out) throws Exception {
        Credentials found = new Credentials();
        Token<?> token = FileSystem.get(settings).addDelegationTokens("hdfs", found)[0];
        found.writeTokenStorageFile(new Path(out.toURI()), settings);
        return token.encodeToUrlString();
    }

    private void answer(JsonNode request, ObjectNode answer) throws Exception {
        switch (request.get("op").asText()) {
            case "stop": dataNodes.get(request.get("node").asInt()).shutdown(); break;
            case "fail_over": failOver(); break;
            case "safe_mode":
                active.getRpcServer().setSafeMode(
                    request.get("on").asBoolean() ? SafeModeAction.SAFEMODE_ENTER : SafeModeAction.SAFEMODE_LEAVE, false);
                break;
            case "shell": answer.put("status", shell(request)); break;
            case "parts": answer.put("bytes", inventParts(request)); break;
            case "token": answer.put("text", token(new File(request.get("out").asText()))); break;
            case "set": settings.set(request.get("name").asText(), request.get("value").asText()); break;
            default: throw new IOException("no such request: " + request);
        }
    }

    private void serve(PrintStream out) throws IOException {
        out.println(ports());
        out.flush();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                answer(JSON.readTree(line), answer);
                answer.put("ok", true);
            } catch (Exception failure) {
                answer.put("ok", false).put("message", failure.toString());
            }
            out.println(answer);
            out.flush();
        }
    }

    // DIRECTORY NAME-NODES DATA-NODES SETTING=VALUE...
    public static void main(String[] words) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        File place = new File(words[0]);
        int status = 0;
        try {
            String[] more = Arrays.copyOfRange(words, 3, words.length);
            new Hdfs(place, Integer.parseInt(words[1]), Integer.parseInt(words[2]), more).serve(out);
        } catch (Throwable failure) {
            failure.printStackTrace();
            status = 1;
        }
        FileUtil.fullyDelete(place);
        Runtime.getRuntime().halt(status);
    }
}
