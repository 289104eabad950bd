// A KDC on a free port, with keytabs in the directory it is given: server.keytab (hdfs/localhost, HTTP/localhost) and
// client.keytab (ada). It prints a line: the realm, and the path of its krb5.conf. It ends, and its directory goes, with its
// standard input. tests/servers/server.py is what starts it.

import java.io.File;
import java.io.PrintStream;
import java.util.Properties;
import org.apache.hadoop.minikdc.MiniKdc;

public final class Kdc {
    private static void remove(File place) {
        File[] below = place.listFiles();
        if (below != null)
            for (File one : below) remove(one);
        place.delete();
    }

    public static void main(String[] words) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        File place = new File(words[0]);
        int status = 0;
        try {
            Properties settings = MiniKdc.createConf();
            settings.setProperty(MiniKdc.TRANSPORT, "TCP");
            MiniKdc kdc = new MiniKdc(settings, place);
            kdc.start();
            kdc.createPrincipal(new File(place, "server.keytab"), "hdfs/localhost", "HTTP/localhost");
            kdc.createPrincipal(new File(place, "client.keytab"), "ada");
            out.println(kdc.getRealm() + " " + kdc.getKrb5conf());
            out.flush();
            while (System.in.read() >= 0) continue;
        } catch (Throwable failure) {
            failure.printStackTrace();
            status = 1;
        }
        remove(place);
        Runtime.getRuntime().halt(status);
    }
}
